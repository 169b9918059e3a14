"""Certificates for the parity tests: every way a chain may be good or bad, with names and numbers that are odd."""

import pathlib
import subprocess

CONFIGURATION = """
[ca]
default_ca = lab
[lab]
database = {name}.index
new_certs_dir = .
certificate = {name}.pem
private_key = {name}.key
serial = {name}.serial
default_md = sha256
policy = any
unique_subject = no
[any]
commonName = optional
[req]
distinguished_name = none
[none]
"""
PAST = ("20200101000000Z", "20210101000000Z")
PRESENT = ("20240101000000Z", "20991231235959Z")
SOONER = ("20240101000000Z", "20900630120000Z")
FUTURE = ("20950101000000Z", "20990101000000Z")
LOCAL = "DNS:good.lab,DNS:*.wild.lab,DNS:dual.lab,DNS:four.lab,IP:127.0.0.1,IP:::1"


class Certificates:
    """NAME.pem (with what is to be sent after it) and NAME.key in a folder; lab-ca.pem is whom the modules trust."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir()
        self._make_authority("lab-ca", "/O=Lab/CN=Lab Root")
        self.issue("lab-middle", authority=True, dates=SOONER, subject="/O=Lab/CN=Lab Middle")
        self._authority_files("lab-middle")
        self.issue("good", serial="00ab12cd34ef", key=("rsa:2048",))
        self.issue("plain")
        self.issue("expired", dates=PAST)
        self.issue("future", dates=FUTURE)
        self.issue("wrong-name", alternative="DNS:elsewhere.lab,DNS:other.lab")
        self.issue("no-name", alternative=None)
        self.issue("by-address", alternative="IP:127.0.0.1")
        self.issue("odd", serial="7f00000000000000000000000000000000000001", subject=(
            r"/C=DE/ST=Land, Kreis/L=Köln/O=Acme \"Tools\"; Söhne <GmbH>/OU=One+OU=Two\\Three/OU= spaced /CN=#odd = name"
            r"/emailAddress=lab@good.lab/serialNumber=42/street=1 Way/postalCode=12345/DC=lab/title=x"))
        self.issue("chained", by="lab-middle")
        self.append("chained", "lab-middle")
        self.issue("incomplete", by="lab-middle")
        self.append("good-and-root", "good", "lab-ca", key="good")
        self.append("good-and-expired", "good", "expired", key="good")
        self.issue("client", alternative=None, usage="clientAuth")
        self.issue("server-only", usage="serverAuth")
        self.issue("client-only", usage="clientAuth")
        self._openssl("req", "-x509", *self._new_key("self-signed"), "-out", "self-signed.pem", "-days", "30",
                      "-subj", "/CN=self", "-addext", f"subjectAltName={LOCAL}", "-set_serial", "0x1")

    def _openssl(self, *arguments):
        result = subprocess.run(["openssl", *arguments], cwd=self.folder, capture_output=True, text=True, check=False)
        assert result.returncode == 0, f"openssl {' '.join(arguments)}: {result.stderr}"

    @staticmethod
    def _new_key(name, kind=("ec", "-pkeyopt", "ec_paramgen_curve:P-256")):
        return ["-newkey", *kind, "-nodes", "-keyout", f"{name}.key"]

    def _authority_files(self, name):
        (self.folder / f"{name}.cnf").write_text(CONFIGURATION.format(name=name))
        (self.folder / f"{name}.index").write_text("")

    def _make_authority(self, name, subject):
        self._openssl("req", "-x509", *self._new_key(name), "-out", f"{name}.pem", "-subj", subject, "-days", "3000")
        self._authority_files(name)

    def issue(self, name, by="lab-ca", alternative=LOCAL, dates=PRESENT, serial=None, subject=None, authority=False,
              usage=None, key=("ec", "-pkeyopt", "ec_paramgen_curve:P-256")):
        config = self.folder / f"{by}.cnf"
        self._openssl("req", "-utf8", "-config", str(config), *self._new_key(name, key), "-out", f"{name}.csr",
                      "-subj", subject or f"/O=Lab/CN={name}")
        extensions = ["basicConstraints=critical,CA:TRUE"] if authority else ["basicConstraints=CA:FALSE"]
        if alternative and not authority:
            extensions.append(f"subjectAltName={alternative}")
        if usage:
            extensions.append(f"extendedKeyUsage={usage}")
        (self.folder / f"{name}.ext").write_text("\n".join(extensions) + "\n")
        # Numbers differ by name and are the same in every run.
        number = serial or format(0x1000 + sum(name.encode()), "x").rjust(6, "0")
        (self.folder / f"{by}.serial").write_text(number + "\n")
        self._openssl("ca", "-batch", "-config", str(config), "-in", f"{name}.csr", "-out", f"{name}.pem", "-notext",
                      "-preserveDN", "-startdate", dates[0], "-enddate", dates[1], "-extfile", f"{name}.ext", "-utf8")

    def append(self, name, *parts, key=None):
        """NAME.pem becomes its own certificate (if it has one) and those of the parts."""
        own = [name] if key is None else []
        text = "".join((self.folder / f"{part}.pem").read_text() for part in (*own, *parts))
        (self.folder / f"{name}.pem").write_text(text)
        if key:
            (self.folder / f"{name}.key").write_bytes((self.folder / f"{key}.key").read_bytes())
