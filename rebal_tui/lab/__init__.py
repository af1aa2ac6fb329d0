"""The policy lab: cost, tracking and return of rebalancing policies over a price history.

Terms of this package: a deviation is the distance of an asset from its target, without sign, as a fraction of equity
unless another unit is given. Sessions and policies are given by their index from 0. The first purchase sets an account
to its targets in the first session; it is not counted as a rebalance. To follow policies is to simulate them session by
session.
"""
