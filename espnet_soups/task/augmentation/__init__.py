"""Change the audio of training anew in every epoch: noise, rooms, speed and other effects."""
