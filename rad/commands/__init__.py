"""The subcommands of `rad`: each file reads the flags of one, calls one function and prints what it returns."""
