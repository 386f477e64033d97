"""Turn a corpus into Kaldi-style data dirs, features and token lists, independently of training."""
