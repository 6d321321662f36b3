"""Learn control from pixels with data augmentation: SAC and PPO on one shared, augmented CNN encoder."""

__version__ = "0.1.0"
