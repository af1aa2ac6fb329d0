"""The API's JSON shapes and what its clients ask for."""
