"""What a training step costs against plain joint training: measured in turn, on any config."""
