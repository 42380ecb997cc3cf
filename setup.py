"""Packaging of vncproxy: see pyproject.toml for the tools' settings."""

from __future__ import annotations

import os
import re
import runpy
from pathlib import Path

from setuptools import find_packages, setup
from setuptools.command.build_py import build_py

HERE = Path(__file__).parent
VERSION = re.search(r'^__version__ = "(.+)"$', (HERE / "vncproxy/__init__.py").read_text(), re.M)
PACKAGES = find_packages(include=["vncproxy", "vncproxy.*"])
if "vncproxy.backends" not in PACKAGES:
    raise SystemExit(
        "vncproxy/backends must be a symbolic link to ../backends: check the sources out on a "
        "file system with symbolic links (git config core.symlinks true)"
    )


class BuildWithPage(build_py):
    """Install noVNC from npm before the package's files are collected."""

    def run(self) -> None:
        """Fetch the web client unless VNCPROXY_WITHOUT_PAGE is set."""
        if not os.environ.get("VNCPROXY_WITHOUT_PAGE"):
            runpy.run_path(str(HERE / "vncproxy/web/install.py"))["install"]()
        super().run()


EXTRAS = {
    "libvirt": ["libvirt-python>=9"],
    "opennebula": ["pyone>=7.3", "requests>=2.31", "urllib3>=2.2"],
    "vmware": ["pyvmomi>=8.0.3"],
    "xen": ["XenAPI>=24"],
    "nova": ["openstacksdk>=4", "oslo.config>=9"],
    "login": ["Authlib>=1.7"],
    "fast": ["numpy>=1.26"],
    "screen": ["numpy>=1.26", "pillow>=10.3"],
    "recording": ["pyrage>=1.2"],
    "s3": ["boto3>=1.36"],
    "video": ["av>=13", "numpy>=1.26", "pillow>=10.3"],
}
BENCH = ["numpy>=1.26", "py-spy>=0.4", "websockify>=0.13"]
TESTS = [
    "Django>=4.2",
    "Flask>=3",
    "Twisted[http2]",
    "coverage",
    "hypothesis",
    "kosoku",
    "marionette-driver",
    "moto[s3,server]>=5",
    "mypy",
    "mypy-zope",
    "openapi-spec-validator>=0.7",
    "pillow",
    "ruff",
    "schemathesis>=4",
    "selenium",
    "vncdotool",
    "websockify",
]

setup(
    name="vncproxy",
    version=VERSION.group(1) if VERSION else "0",
    description="A console gateway for virtual machines: noVNC and TCP viewers to any hypervisor",
    long_description=(HERE / "README.md").read_text(),
    long_description_content_type="text/markdown",
    license="MIT",
    license_files=["LICENSE"],
    classifiers=[
        "Framework :: Twisted",
        "Intended Audience :: System Administrators",
        "Operating System :: POSIX :: Linux",
        "Programming Language :: Python :: 3",
        "Topic :: System :: Systems Administration",
    ],
    python_requires=">=3.11",
    package_dir={"": "."},
    packages=[*PACKAGES, "twisted.plugins"],
    package_data={
        "vncproxy": ["py.typed"],
        "vncproxy.cli": ["vncproxy.service"],
        "vncproxy.keyboard": ["layouts/*.json"],
        "vncproxy.languages": ["*.po"],
        "vncproxy.web": ["*.json", "static/**"],
    },
    cmdclass={"build_py": BuildWithPage},
    install_requires=[
        "Twisted[tls]>=24.11",
        "autobahn>=24.4",
        "txredisapi>=1.6",
        "hiredis>=2.2",  # reads answers and writes commands in a fraction of txredisapi's time
        "pyOpenSSL>=24",
        "zope.interface>=6",
        "service-identity>=24",
        "cryptography>=43",
        "idna>=3.7",
        "klein>=24.8",
        "treq>=24.9",
        "httpx>=0.27",
        "pydantic>=2.9",
        "typing-extensions>=4.12",
        "click>=8.1",
        "prometheus-client>=0.21",
        "PyJWT>=2.9",
        "scramp>=1.4.5",
        "babel>=2.14",  # reads the catalogues of languages, and extracts their texts
        "tzdata>=2024.1",  # time zones, where the machine has none
    ],
    extras_require={
        **EXTRAS,
        "all": sorted({requirement for extra in EXTRAS.values() for requirement in extra}),
        "test": TESTS,
        "bench": BENCH,
    },
    entry_points={
        "console_scripts": ["vncproxy = vncproxy.cli:main"],
        "vncproxy.backends": [
            "static = vncproxy.backends.static:StaticBackend",
            "ironic = vncproxy.backends.ironic:IronicBackend",
            "libvirt = vncproxy.backends.libvirt:LibvirtBackend",
            "opennebula = vncproxy.backends.opennebula:OpenNebulaBackend",
            "vmware = vncproxy.backends.vmware:VMwareBackend",
            "xen = vncproxy.backends.xen:XenBackend",
        ],
    },
)
