"""Where an encoder's activation lies in the frame. It tells what the convolutions respond to, not why a policy acts."""
