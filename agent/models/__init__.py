"""What reasons in the graph: the rules, or a language model at a host."""
