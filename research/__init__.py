"""Research on GPU DePIN: whether to hold the network's token or to rent a GPU out there."""
