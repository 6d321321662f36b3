"""Reports: read run folders, draw what they hold. Knows files only, nothing of how they were made."""
