"""From a corpus to Kaldi-style data dirs, features and token lists; stands apart from training."""
