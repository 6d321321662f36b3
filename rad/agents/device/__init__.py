"""How an update reaches its device: its data in one block and, on a GPU, its kernels as one graph."""
