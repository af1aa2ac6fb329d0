"""The form of the API's responses, whose JSON objects are called shapes, and the queries that fill them."""
