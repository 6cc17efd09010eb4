"""Addresses under /-/ on the hub's port, by which a test sets faults and reads what was asked."""

import json

from messages import json_response, text_response


class Control:
    def __init__(self, faults, log):
        self.faults = faults
        self.log = log

    def answer(self, request):
        """PUT, POST, GET or DELETE of /-/faults; GET or DELETE of /-/log."""
        if request.path == "/-/faults":
            return self.set_faults(request)
        if request.path == "/-/log" and request.method == "GET":
            return json_response(self.log.all(float(request.parameter("patience", 0.5))))
        if request.path == "/-/log" and request.method == "DELETE":
            self.log.clear()
            return json_response([])
        return text_response(404, "there are /-/faults and /-/log")

    def set_faults(self, request):
        try:
            if request.method in ("PUT", "POST"):
                rules = json.loads(request.body)
                self.faults.set(rules if isinstance(rules, list) else [rules], keep=request.method == "POST")
            elif request.method == "DELETE":
                self.faults.set([])
        except (ValueError, AttributeError, TypeError) as problem:
            return json_response({"error": str(problem)}, 400)
        return json_response(self.faults.list())
