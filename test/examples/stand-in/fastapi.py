"""Stands in for FastAPI where it is not installed: as much of it as the example uses."""


class APIRouter:
    def post(self, path):
        return lambda function: function

    delete = post


class BackgroundTasks:
    def __init__(self):
        self.tasks = []

    def add_task(self, function, *args, **kwargs):
        self.tasks.append(lambda: function(*args, **kwargs))


def Depends(dependency):
    return dependency
