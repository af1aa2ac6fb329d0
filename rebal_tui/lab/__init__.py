"""The policy lab: cost, tracking and return of rebalancing policies over a price history.

Terms of this package: a deviation is the size of an asset's drift from its target, as a fraction of equity unless said
otherwise. Sessions and policies are given by their index from 0. The first purchase sets an account to its targets in
the first session; it is not counted as a rebalance. To follow policies is to simulate them session by session.
"""
