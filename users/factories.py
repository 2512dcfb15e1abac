"""Made-up members, for tests and for the demo data."""

from factory import Faker
from factory.django import DjangoModelFactory

from users.models import User


class UserFactory(DjangoModelFactory[User]):
    """A member with a Korean name."""

    class Meta:
        model = User

    name = Faker("name", locale="ko_KR")
