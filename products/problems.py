"""Refusals because of a basket's products."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass

from core.json_schemas import COUNT, ID, INTEGER, array_of, json_object, ref
from core.problems import BilingualText, Problem


@dataclass(frozen=True)
class Shortage:
    """A product with less stock than requested."""

    product_id: int
    requested: int
    available: int


class ProductNotFound(Problem):
    """An order names products that do not exist."""

    code = "product_not_found"
    status = 404
    title = BilingualText("없는 상품이 있어요", "A product does not exist")
    detail = BilingualText(
        "product_ids에 적힌 상품을 빼고 다시 주문해 주세요.",
        "Remove the products listed in product_ids and order again.",
    )
    extensions = {"product_ids": array_of(INTEGER)}

    def __init__(self, *, product_ids: Iterable[int]) -> None:
        super().__init__(product_ids=list(product_ids))


class OutOfStock(Problem):
    """Lines request more than the stock; names each of them."""

    code = "out_of_stock"
    status = 409
    title = BilingualText("재고가 부족해요", "Out of stock")
    detail = BilingualText(
        "shortages에 적힌 상품의 수량을 남은 수량 이하로 줄여 다시 주문해 주세요.",
        "Lower the quantities listed in shortages to what is available and order again.",
    )
    extensions = {"shortages": array_of(ref("Shortage"))}
    schemas = {
        "Shortage": json_object(
            "A product that has less than was asked for.",
            {"product_id": ID, "requested": ID, "available": COUNT},
        )
    }

    def __init__(self, *, shortages: Iterable[Shortage]) -> None:
        super().__init__(shortages=[asdict(shortage) for shortage in shortages])
