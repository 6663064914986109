"""The studio: a web application in which people record gestures, review them, and train the model they try out.

config.py   how a studio is set up       data/   accounts, clips, models, predictions: database and files
work/       training and the worker      live/   frames of a webcam in, points and events out
web/        pages and routes

Imports point downwards only: web > live > work > data > the rest of Ademan.
"""
