"""What a sweep's runs are started with: processes of this machine, or Ray."""
