"""The parts of docs/ that the code writes: files that pages show, and tables whose facts the code knows."""
