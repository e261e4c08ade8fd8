"""Changes to the sound of a training batch."""
