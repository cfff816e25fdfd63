"""Learning the read-outs of `agent.reading` from real people."""
