"""What each kind promises: a function a promise, its docstring the words of it."""
