"""Pure decisions: drift, calendar, evaluation, planning. Time and prices come in as arguments."""
