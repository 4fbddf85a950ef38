"""What videobertd costs and what it finds, measured as ratios in one run."""
