"""A Valkey and a Sentinel on each of three machines, as deploy/ha sets them up."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import redis

from core.embedded.servers import SERVICES
from tests.kit.ha.configurations import give_to, write
from tests.kit.ha.network import Machine, nobody
from tests.kit.processes import until

PASSWORD, SENTINEL_PASSWORD = "redis-word", "sentinel-word"
FORMED_SECONDS = 60


@dataclass
class Redises:
    """The servers and who watches them; the first master is on the first machine."""

    machines: list[Machine]
    folder: Path

    @property
    def url(self) -> str:
        """What the shop is given as REDIS_URL."""
        first, *others = (f"{each.name}:26379" for each in self.machines)
        places = ";sentinel://".join([f":{PASSWORD}@{first}", *others])
        return f"sentinel://{places}/0?master_name=shop&sentinel_password={SENTINEL_PASSWORD}"

    def start(self) -> None:
        """Start what does not run, and wait until a failover could follow."""
        for machine in self.machines:
            self.restart(machine)
        until(self.is_whole, seconds=FORMED_SECONDS)

    def restart(self, machine: Machine) -> None:
        """What booting a machine does: Sentinel tells a server that was the master whom it follows now."""
        place = give_to(self.folder / machine.name / "valkey", nobody().uid)
        words = {"change-me": PASSWORD, "/var/lib/valkey": str(place)}
        valkey, sentinel = place / "valkey.conf", place / "sentinel.conf"
        if not valkey.exists():
            write(place, "valkey.conf", words)
            write(place, "sentinel.conf", {"change-me-too": SENTINEL_PASSWORD, **words})
            if machine is not self.machines[0]:
                with valkey.open("a") as file:
                    file.write(f"replicaof {self.machines[0].name} 6379\n")
            for each in (valkey, sentinel):
                each.chmod(0o666)
        program = SERVICES.programs.redis()
        log = self.folder / f"valkey-{machine.name}.log"
        machine.start("valkey", program, valkey, log=log)
        log = self.folder / f"sentinel-{machine.name}.log"
        machine.start("sentinel", program, sentinel, "--sentinel", log=log)

    def sentinel(self, machine: Machine) -> "redis.Redis[Any]":
        return redis.Redis(
            host=machine.address,
            port=26379,
            password=SENTINEL_PASSWORD,
            socket_timeout=1,
            retry=None,
            decode_responses=True,
        )

    def master(self) -> Machine | None:
        """Whom most Sentinels name; None where they do not agree."""
        named = []
        for machine in self.machines:
            try:
                address, _ = self.sentinel(machine).sentinel_get_master_addr_by_name("shop")
            except (redis.RedisError, TypeError):
                continue
            named.append(address)
        found = [each for each in self.machines if named.count(each.address) * 2 > len(self.machines)]
        return found[0] if found else None

    def is_whole(self) -> bool:
        """Whether every Sentinel knows the two others and two replicas that follow the master."""
        try:
            for machine in self.machines:
                master = self.sentinel(machine).sentinel_masters()["shop"]
                replicas = self.sentinel(machine).sentinel_slaves("shop")
                if master["flags"] != "master" or master["num-other-sentinels"] != len(self.machines) - 1:
                    return False
                if [each["master-link-status"] for each in replicas] != ["ok"] * (len(self.machines) - 1):
                    return False
        except (redis.RedisError, KeyError):
            return False
        return True
