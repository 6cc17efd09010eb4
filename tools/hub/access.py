"""Who may see what: tokens, private and gated repositories, and the errors that a hub answers otherwise."""

from messages import json_response, text_response


def hub_error(request, status, code, message, headers=()):
    """An error as a hub's: code and message in headers; the message as JSON, or as text where a file was asked for."""
    told = [("X-Error-Code", code)] if code else []
    told += [("X-Error-Message", message), *headers]
    if request.path.startswith("/api/") and not request.path.startswith("/api/resolve-cache/"):
        return json_response({"error": message}, status, told)
    return text_response(status, message, told)


class Access:
    """What the settings tell:

    tokens    {"hf_…": {"name": …, "repositories": ["org/name", …]}}; "*" among them is every one
    private   ["org/name", …]
    gated     {"org/name": "auto" or "manual"}
    disabled  ["org/name", …]
    """

    def __init__(self, settings, all_seeing=()):
        self.tokens = dict(settings.get("tokens", {}))
        for token in all_seeing:
            self.tokens[token] = {"name": "reader", "repositories": ["*"]}
        self.private = set(settings.get("private", ()))
        self.gated = settings.get("gated", {})
        self.disabled = set(settings.get("disabled", ()))

    def who(self, request):
        """What is told of the request's token; None if it has none. Raises KeyError if nobody has this one."""
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if not scheme:
            return None
        if scheme.lower() != "bearer":
            raise KeyError(scheme)
        return self.tokens[token]

    def refusal(self, request, repository, exists, files, address):
        """The error for a request of this repository; None if it is allowed.

        `files`: a file's bytes are asked for, which is what gates keep. `address`: the hub's.
        """
        try:
            user = self.who(request)
        except KeyError:
            return hub_error(request, 401, None, "Invalid credentials in Authorization header")
        granted = user is not None and bool({"*", repository} & set(user.get("repositories", ())))
        if not exists or (repository in self.private and not granted):
            if user is None:
                # A hub doesn't tell strangers which repositories there are.
                return hub_error(request, 401, "RepoNotFound", "Invalid username or password.", [challenge()])
            return hub_error(request, 404, "RepoNotFound", "Repository not found")
        if repository in self.disabled:
            return hub_error(request, 403, None, "Access to this resource is disabled.")
        if files and repository in self.gated and not granted:
            restricted = f"Access to model {repository} is restricted"
            if user is None:
                message = f"{restricted}. You must have access to it and be authenticated to access it. Please log in."
                return hub_error(request, 401, "GatedRepo", message, [challenge()])
            message = (
                f"{restricted} and you are not in the authorized list. Visit {address}/{repository} to ask for access."
            )
            return hub_error(request, 403, "GatedRepo", message)
        return None

    def whoami(self, request):
        try:
            user = self.who(request)
        except KeyError:
            return hub_error(request, 401, None, "Invalid credentials in Authorization header")
        if user is None:
            return hub_error(request, 401, None, "Invalid username or password.", [challenge()])
        token = {"displayName": "tests", "role": "read", "createdAt": "2023-11-14T22:13:20.000Z"}
        return json_response(
            {
                "type": "user",
                "id": "0123456789abcdef01234567",
                "name": user.get("name", "user"),
                "fullname": user.get("name", "user"),
                "email": None,
                "canPay": False,
                "isPro": False,
                "orgs": [],
                "auth": {"type": "access_token", "accessToken": token},
            }
        )


def challenge():
    return ("WWW-Authenticate", 'Bearer realm="Authentication required", charset="UTF-8"')
