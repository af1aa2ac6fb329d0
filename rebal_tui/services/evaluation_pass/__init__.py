"""One evaluation of every subscription, kept in chunks."""
