"""Certificates of an authority of the tests' own."""

import pathlib
import subprocess


class Authority:
    """Makes ca.pem, and NAME.pem with NAME.key for those that are asked for, in a folder."""

    def __init__(self, folder, name="ca", days=2):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.name = name
        self._openssl("req", "-x509", *self._new_key(name), "-out", f"{name}.pem", "-subj", f"/CN=test {name}", "-days", str(days))

    def _openssl(self, *arguments):
        subprocess.run(["openssl", *arguments], cwd=self.folder, check=True, capture_output=True)

    @staticmethod
    def _new_key(name):
        return ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", f"{name}.key"]

    def issue(self, name, alternative, days=2):
        """alternative: what is in subjectAltName, such as "IP:127.0.0.1"."""
        return self._sign(name, f"subjectAltName={alternative}", days)

    def delegate(self, name):
        """An authority of this one's: NAME.pem may sign."""
        self._sign(name, "basicConstraints=critical,CA:TRUE", 2)
        one = object.__new__(Authority)
        one.folder, one.name = self.folder, name
        return one

    def _sign(self, name, extension, days):
        self._openssl("req", *self._new_key(name), "-out", f"{name}.csr", "-subj", f"/CN={name}")
        (self.folder / f"{name}.ext").write_text(f"{extension}\n")
        self._openssl("x509", "-req", "-in", f"{name}.csr", "-CA", f"{self.name}.pem", "-CAkey", f"{self.name}.key",
                      "-CAcreateserial", "-out", f"{name}.pem", "-days", str(days), "-extfile", f"{name}.ext")
        return self.folder / f"{name}.pem"
