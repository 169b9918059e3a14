"""A router for tests that speaks the RouterOS API, written from the notes on that protocol and not from netsonde's client."""
