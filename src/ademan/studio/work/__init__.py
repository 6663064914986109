"""The studio's work: what takes minutes, done by workers, and never by the process that answers pages.

worker.py     takes jobs and does them                 pulse.py     says that one is being worked on, and listens
wakeups.py    tells workers that there is a job        schedule.py  asks for what is due
retrain.py    from clips to a version of a model       options.py   what an admin chooses of it
material.py   which clips, and the dataset of them     holdout.py   who is kept for the test
folder.py     what is on the disk during a training    child.py     the process that trains, seen from outside
task.py       that process                             gate.py      whether the new model may go live

Nothing is imported here: the process that trains has no use for a database.
"""
