"""The report of a run: one page for people, and the same facts as data.

facts.py      what is told of a run beside its items
page.py       the page, piece by piece; page.html, page.css and page.js are its parts that are the same for every run
timeline.py   when the items ended, as a picture
"""
