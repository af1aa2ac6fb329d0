"""Pure functions for drift, calendar, evaluation and planning. Time and prices are arguments."""
