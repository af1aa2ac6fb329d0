"""The full-screen application. It knows the services only."""
