"""The Rebalancing API over HTTP, on the same services as the screens. Requires the extra `api`.

A book is halted when this server can no longer write to it; requests then get 503. The caller of a request, for rate
limits, is its API key, or the client's IP address if the request has no valid key.
"""
