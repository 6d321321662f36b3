"""The report itself: its sections, its blocks, and the page that holds them."""
