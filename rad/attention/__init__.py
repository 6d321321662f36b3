"""Where an encoder's activation lies in the frame. It tells what the convolutions answer to, not why a policy acts."""
