"""Clock, NYSE sessions and price feeds."""
