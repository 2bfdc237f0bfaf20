"""How a run works: stages that overlap, and a model under supervision in a process of its own."""
