"""What a header says that the values of a CT image are: by the standard, by the makers' words, by the units."""

from __future__ import annotations

import numpy as np
import pydicom
import pytest

from dicom_files import write_stack
from OpportunisticBMDLib.core.ct import ImageKind
from OpportunisticBMDLib.core.errors import BadInput
from OpportunisticBMDLib.reading import read_ct
from OpportunisticBMDLib.reading.facts.kind_of_image import CT_IMAGE, Measurable, kind_of_image

DERIVED = ("DERIVED", "PRIMARY", "AXIAL")


def kind(image_type: tuple[str, ...] = ("ORIGINAL", "PRIMARY", "AXIAL"), **values: str) -> Measurable | str:
    return kind_of_image({"SOPClassUID": CT_IMAGE, "Modality": "CT", "ImageType": "\\".join(image_type), **values})


def described(text: str) -> Measurable | str:
    return kind(SeriesDescription=text)


@pytest.mark.parametrize(
    ("values", "name"),
    [
        (("MAT_SPECIFIC",), "one material"),
        (("MAT_REMOVED",), "virtual native"),
        (("MAT_FRACTIONAL",), "one material"),
        (("MAT_MODIFIED",), "one material"),
        (("MAT_VALUE_BASED",), "one material"),
        (("EFF_ATOMIC_NUM",), "atomic number"),
        (("ELECTRON_DENSITY",), "electron density"),
        (("VMI",), "monoenergetic image of unknown energy"),
        (("DE_VNC",), "virtual native"),
        (("CT_SOM5 MIP",), "maximum intensity projection"),
        (("MIP_THIN",), "maximum intensity projection"),
        (("MIN_IP",), "minimum intensity projection"),
        (("CT_SOM5 DE", "MONO_PLUS_40KEV"), "40 keV"),
        (("MONO", "50 keV"), "50 keV"),
        (("SPP",), "post-processing"),
        (("SUBTRACTION",), "subtraction"),
        (("CPR",), "rendering"),
    ],
)
def test_image_types_without_a_line(values, name):
    assert name in kind((*DERIVED, *values))


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("MonoE 40keV[HU]", "40 keV"),
        ("Mono+ 40 keV", "40 keV"),
        ("Monoenergetic Plus 190 keV", "190 keV"),
        ("Monochromatic 140 keV", "140 keV"),
        ("GSI MONO 50", "50 keV"),
        ("ME 45 keV", "45 keV"),
        ("VMI", "unknown energy"),
        ("Mono 40 70 keV 55 keV", "unknown energy"),
        ("VNC[HU]", "virtual native"),
        ("Virtual unenhanced", "virtual native"),
        ("Virtual Non Contrast 70 keV", "virtual native"),
        ("Virtuell nativ 1.0", "virtual native"),
        ("VUE", "virtual native"),
        ("CaSupp 25 [HU*]", "virtual native"),
        ("Iodine no Water[mg/ml]", "iodine map"),
        ("Iodine Density[mg/ml]", "iodine map"),
        ("Jodkarte", "iodine map"),
        ("DE Iodine 1.5 Q30f", "iodine map"),
        ("Iodine", "iodine map"),
        ("Lung PBV", "iodine map"),
        ("Water(Iodine)", "one material"),
        ("HAP(Water)", "one material"),
        ("Uric Acid [HU]", "one material"),
        ("Z Effective[Z]", "atomic number"),
        ("Eff-Z", "atomic number"),
        ("Rho/Z", "atomic number"),
        ("Electron Density[%EDW]", "electron density"),
        ("Axial MIP", "maximum intensity projection"),
        ("CorMIP 10/2", "maximum intensity projection"),
        ("Max. intensity 10 mm", "maximum intensity projection"),
        ("Synthetic CT", "synthetic CT"),
        ("CBCT setup", "cone-beam CT"),
        ("keV 50", "50 keV"),
        ("minIP 5.0", "minimum intensity projection"),
        ("Bone removal", "subtraction"),
        ("DE non-linear blending", "non-linear blend"),
    ],
)
def test_descriptions_of_what_has_no_line(text, name):
    assert name in described(text)


@pytest.mark.parametrize(
    "text",
    [
        "Thorax 1.0 B30f", "THINS FOR MIP", "0.75 für MIP", "TORAX DE ROTINA", "Iodine contrast 350", "ED trauma",
        "True non-contrast", "Abdomen T3D 1.0 Br40", "MMIP", "Immediate", "Conventional iDose (3)", "Monolith", "MAR",
        "HWS Th 2-4", "4D bin 2", "Iodine allergy", "post CPR", "bone remodelling", "RENAL STONE DE", "SUB-Z LUNG",
        "Recon 3: C-A-P", "Spi Std Thorax", "Thorax Mediast 2.0 B31f MPR cor", "bone marrow transplant",
    ],
)  # fmt: skip
def test_words_that_only_look_alike(text):
    assert described(text) == Measurable(ImageKind.CONVENTIONAL)


@pytest.mark.parametrize(
    "values", [("AVERAGE",), ("MPR",), ("CT_SOM5 SPI",), ("HELIX",), ("RESAMPLED",)], ids=lambda values: values[0]
)
def test_image_types_that_keep_hounsfield_units(values):
    assert kind(("DERIVED", "SECONDARY", "AXIAL", *values)) == Measurable(ImageKind.CONVENTIONAL)


def test_monoenergetic_images_near_120_kvp_can_be_measured():
    for text, energy in (("MonoE 70keV[HU]", 70), ("Mono+ 75 keV", 75), ("Monoenergetic Plus 65 keV 1.0 Br40", 65)):
        assert described(text) == Measurable(ImageKind.MONOENERGETIC, energy)
    assert kind((*DERIVED, "VMI"), MonoenergeticEnergyEquivalent="70") == Measurable(ImageKind.MONOENERGETIC, 70)


def test_blends_and_unstated_energies_of_two_tubes():
    assert described("DE_Abdomen 1.5 D30f M_0.6") == Measurable(ImageKind.BLEND)
    assert kind((*DERIVED, "DET_DE_AB")) == Measurable(ImageKind.BLEND)
    assert kind((*DERIVED, "CT_SOM5 DE")) == Measurable(ImageKind.UNSTATED)
    assert kind(MultienergyCTAcquisition="YES") == Measurable(ImageKind.UNSTATED)
    assert kind(MultienergyCTAcquisition="YES", SeriesDescription="T3D") == Measurable(ImageKind.CONVENTIONAL)


def test_other_fields_that_speak():
    assert kind(ConvolutionKernel="Sd36f\\3") == "image of the electron density (kernel Sd36f 3)"
    assert "50 keV" in kind(DerivationDescription="Monoenergetic 50 keV")
    assert "virtual native" in kind(ImageComments="VNC")


@pytest.mark.parametrize("unit", ["HU_MOD", "MGML", "Z_EFF", "ED", "EDW", "PCT", "HU*"])
def test_units_that_are_not_hounsfield(unit):
    assert kind(RescaleType=unit) == f"image in {unit} instead of HU"
    assert kind(Units=unit) == f"image in {unit} instead of HU"


@pytest.mark.parametrize("unit", ["HU", "US", "hu ", "", "HU\\HU"])
def test_units_that_are(unit):
    assert kind(RescaleType=unit) == Measurable(ImageKind.CONVENTIONAL)


# From files


def tissue(slices: int = 24) -> np.ndarray:
    rng = np.random.default_rng(3)
    volume = rng.normal(40, 20, (30, 28, slices))
    volume[:4] = -1000
    volume[10:16, 10:16] = 200
    return volume.round()


def test_a_series_without_a_line_is_refused_by_its_name(tmp_path):
    write_stack(tmp_path / "mono", tissue(), ImageType=[*DERIVED, "VMI"], SeriesDescription="VMI 40 keV")
    write_stack(tmp_path / "density", tissue(), ConvolutionKernel=["Sd36f", "3"])
    for folder, words in (("mono", "virtual monoenergetic image of 40 keV"), ("density", "kernel Sd36f 3")):
        with pytest.raises(BadInput, match=words):
            read_ct(tmp_path / folder)


def test_beside_it_the_conventional_series_is_taken_though_it_is_thicker(tmp_path):
    write_stack(tmp_path / "a", tissue(12), SeriesInstanceUID="1.2.1", spacing=(2.0, 2.0, 6.0), SliceThickness="6")
    for n, text in enumerate(("Mono+ 40 keV", "Mono+ 70 keV", "VNC 1.0", "MIP")):
        write_stack(tmp_path / f"b{n}", tissue(), SeriesInstanceUID=f"1.2.2.{n}", SeriesDescription=text)
    taken = read_ct(tmp_path).acquisition
    assert taken.series_instance_uid == "1.2.1" and taken.image_kind is ImageKind.CONVENTIONAL


def test_a_monoenergetic_series_alone_is_read_and_named(tmp_path):
    write_stack(tmp_path, tissue(), ImageType=[*DERIVED, "VMI"], SeriesDescription="VMI 70 keV", KVP=None)
    acquisition = read_ct(tmp_path).acquisition
    assert (acquisition.image_kind, acquisition.energy_kev) == (ImageKind.MONOENERGETIC, 70.0)


@pytest.mark.parametrize("sequence", ["MultienergyCTCharacteristicsSequence", "MultienergyCTProcessingSequence"])
def test_the_energy_is_found_in_the_sequences_of_the_standard(tmp_path, sequence):
    for energy in (70.0, 50.0):
        item = pydicom.Dataset()
        item.MonoenergeticEnergyEquivalent = energy
        values = {"ImageType": [*DERIVED, "VMI"], sequence: pydicom.Sequence([item])}
        write_stack(tmp_path / f"{energy:.0f}", tissue(), **values)
    assert read_ct(tmp_path / "70").acquisition.energy_kev == 70.0
    with pytest.raises(BadInput, match="50 keV"):
        read_ct(tmp_path / "50")


def test_a_series_asked_for_is_not_measured_either_where_it_has_no_line(tmp_path):
    write_stack(tmp_path / "a", tissue(), SeriesInstanceUID="1.2.1")
    write_stack(tmp_path / "b", tissue(), SeriesInstanceUID="1.2.2", SeriesDescription="VNC", prefix="b")
    with pytest.raises(BadInput, match="virtual native image"):
        read_ct(tmp_path, "1.2.2")
