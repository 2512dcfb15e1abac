"""What is wrong with a request's input, place by place."""

from collections.abc import Iterable
from dataclasses import dataclass

from core.json_schemas import array_of, json_object, ref
from core.problems import BilingualText, Problem

INPUT_ERRORS: dict[str, BilingualText] = {
    "required": BilingualText("꼭 있어야 하는 항목이에요.", "This field is required."),
    "null": BilingualText("null일 수 없어요.", "This may not be null."),
    "unknown": BilingualText(
        "알 수 없는 항목이에요. 이름을 확인해 주세요.", "Unknown field. Check its name."
    ),
    "not_an_object": BilingualText("JSON 객체여야 해요.", "This must be a JSON object."),
    "not_a_list": BilingualText("JSON 배열이어야 해요.", "This must be a JSON array."),
    "not_an_integer": BilingualText(
        "따옴표, 소수점, 지수가 없는 JSON 정수여야 해요.",
        "This must be a JSON integer, without quotes, fraction or exponent.",
    ),
    "min_value": BilingualText("{limit} 이상이어야 해요.", "This must be at least {limit}."),
    "max_value": BilingualText("{limit} 이하여야 해요.", "This must be at most {limit}."),
    "min_length": BilingualText("{limit}개 이상이어야 해요.", "There must be at least {limit}."),
    "max_length": BilingualText("{limit}개까지 담을 수 있어요.", "There may be at most {limit}."),
    "duplicate": BilingualText(
        "같은 상품이 두 번 들어 있어요. 한 줄로 합쳐 주세요.", "This product is repeated. Merge its lines."
    ),
    "page_size": BilingualText("1부터 100까지의 정수여야 해요.", "This must be an integer from 1 to 100."),
    "cursor": BilingualText(
        "next나 previous로 받은 값을 그대로 써 주세요.", "Use the value from next or previous as it is."
    ),
    "status": BilingualText(
        "usable, used, expired 중 하나여야 해요.", "This must be one of usable, used, expired."
    ),
    "idempotency_key": BilingualText(
        "공백 없는 ASCII 문자 1자에서 255자까지여야 해요.",
        "This must be 1 to 255 visible ASCII characters.",
    ),
}


@dataclass(frozen=True)
class InputError:
    """What is wrong with one place of the input.

    `location` is "pointer", "parameter" or "header"; `limit` fills the text of the codes that have one.
    """

    location: str
    name: str
    code: str
    limit: str = ""

    def to_dict(self, language: str) -> dict[str, str]:
        """One entry of `errors`, worded for people."""
        detail = INPUT_ERRORS[self.code].in_language(language).format(limit=self.limit)
        return {self.location: self.name, "code": self.code, "detail": detail}


class Invalid(Problem):
    """The input is well-formed but breaks the contract in the named places."""

    code = "invalid"
    status = 400
    title = BilingualText("입력값이 올바르지 않아요", "The input is not valid")
    detail = BilingualText(
        "errors에 적힌 항목을 고쳐서 다시 보내 주세요.",
        "Correct the places listed in errors and send the request again.",
    )
    extensions = {"errors": array_of(ref("InputError"))}
    schemas = {
        "InputError": json_object(
            "What is wrong with one place of the input: pointer, parameter or header names it.",
            {
                "pointer": {
                    "type": "string",
                    "format": "json-pointer",
                    "description": "A place in the body.",
                },
                "parameter": {"type": "string", "description": "A query parameter."},
                "header": {"type": "string", "description": "A header."},
                "code": {"type": "string", "enum": list(INPUT_ERRORS)},
                "detail": {"type": "string", "description": "For people, in the language of the answer."},
            },
            required=["code", "detail"],
        )
    }

    def __init__(self, *, errors: Iterable[InputError]) -> None:
        super().__init__()
        self.errors = list(errors)
