"""The command line: a module a command group. The same code for the local cloud and for AWS."""
