"""Long recordings: taken in now, diarized by a process of their own, told of when somebody asks."""
