"""Exercises that answer back: ``exercise("1.2").check(my_step)``, ``.hint()``, ``.solution()``.

One module for each notebook holds its exercises; `kinds` says what an exercise is, `calling` runs a
student's function safely, `grading` goes through a folder of handed-in notebooks.
"""

from labutils.exercises.registry import exercise

__all__ = ["exercise"]
