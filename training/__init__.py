"""The training side: data folders in, checkpoints and reports out, through the stages that run live."""
