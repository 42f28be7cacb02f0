"""Exercises that answer back: ``exercise("1.2").check(my_step)``, ``.hint()``, ``.solution()``.

`questions` holds the exercises by subject, `checking` what judges an answer, `grading` what goes through a
folder of handed-in notebooks; `registry` says which notebook has which questions.
"""

from labutils.exercises.registry import exercise
