"""What people say that events show in; data to train on, a model tried on them, and the change to it out."""
