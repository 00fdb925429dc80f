"""The scripted module: introduces itself to Slicer and joins the panel to it. All else is in OpportunisticBMDPanel."""

import sys
import unittest
from pathlib import Path
from typing import Any

import slicer
from slicer.i18n import tr as _
from slicer.ScriptedLoadableModule import (
    ScriptedLoadableModule,
    ScriptedLoadableModuleLogic,
    ScriptedLoadableModuleTest,
    ScriptedLoadableModuleWidget,
)

# Installed, the packages and Resources lie beside this file; in the source tree, one level above it, the laboratory in
# its own folder there.
HERE = Path(__file__).resolve().parent
SHARED = HERE if (HERE / "OpportunisticBMDLib").is_dir() else HERE.parent
LABORATORY = HERE if (HERE / "OpportunisticBMDTraining").is_dir() else SHARED / "training"
for folder in (HERE, SHARED, LABORATORY):
    if str(folder) not in sys.path:
        sys.path.append(str(folder))

PACKAGES = ("OpportunisticBMDLib", "OpportunisticBMDPanel", "OpportunisticBMDTraining")
PICTURE = SHARED / "Resources" / "Pictures" / "panel-result.png"
PAPER = (
    "Niu X, Huang Y, Li X, Yan W, Lu X, Jia X, Li J, Hu J, Sun T, Jing W, Guo J. Development and validation of a fully "
    "automated system using deep learning for opportunistic osteoporosis screening using low-dose computed tomography "
    "scans. Quant Imaging Med Surg 2023;13(8):5294-5305. "
    '<a href="https://doi.org/10.21037/qims-22-1438">doi:10.21037/qims-22-1438</a>'
)


class OpportunisticBMD(ScriptedLoadableModule):
    """Title, help and acknowledgement."""

    def __init__(self, parent: Any) -> None:
        ScriptedLoadableModule.__init__(self, parent)
        parent.title = _("Opportunistic BMD")
        parent.categories = [_("Quantification")]
        parent.dependencies = ["Segmentations", "SegmentEditor", "Markups", "Tables", "SubjectHierarchy"]
        parent.contributors = ["OpportunisticBMD developers"]
        parent.helpText = (
            f'<p><img src="{PICTURE.as_uri()}" width="380"></p>'
            + _(
                "<p>Bone mineral density of T12, L1 and L2 from a CT of chest or abdomen that was made for another "
                "reason. Choose the CT, click <b>Compute BMD</b>, check the masks, correct them where they are wrong: "
                "the density follows.</p><p>For research, not diagnosis.</p>"
            )
            + self.getDefaultModuleDocumentationLink()
        )
        parent.acknowledgementText = _("The method follows: {paper}").format(paper=PAPER)
        slicer.app.connect("startupCompleted()", register_sample_data)


def register_sample_data() -> None:
    """Offers a virtual patient, made on the spot, in Sample Data."""
    import SampleData

    SampleData.SampleDataLogic.registerCustomSampleDataSource(
        category="OpportunisticBMD",
        sampleName="VirtualPatient",
        thumbnailFileName=str(HERE / "Resources" / "Icons" / "VirtualPatient.png"),
        uris="",  # nothing is downloaded, but SampleData counts addresses, files and nodes
        fileNames="VirtualPatient.nrrd",
        nodeNames="VirtualPatient",
        customDownloader=lambda source: virtual_patient(),
    )


def virtual_patient() -> Any:
    """A new volume node with the CT of a virtual patient, of which the true density is known; None when cancelled."""
    from OpportunisticBMDPanel.slicer.virtual_patient import add_virtual_patient

    return add_virtual_patient()


class OpportunisticBMDWidget(ScriptedLoadableModuleWidget):
    """Puts the panel into Slicer's window."""

    panel: Any = None

    def setup(self) -> None:
        from OpportunisticBMDPanel.widget import PanelWidget

        ScriptedLoadableModuleWidget.setup(self)
        self.logic = OpportunisticBMDLogic()
        panel = slicer.util.loadUI(self.resourcePath("UI/OpportunisticBMD.ui"))
        self.layout.addWidget(panel)
        self.panel = PanelWidget(panel, resource=self.resourcePath, parameter_node=self.logic.getParameterNode)
        if getattr(self.parent, "isEntered", False):  # "Reload" puts a new widget where one was entered
            self.enter()

    def enter(self) -> None:
        self.panel.enter()

    def exit(self) -> None:
        self.panel.exit()

    def cleanup(self) -> None:
        """Before Slicer ends, or "Reload": the packages are forgotten, so that the next widget reads their files."""
        if self.panel is not None:  # there is none where `setup` failed
            self.panel.cleanup()
        for name in [name for name in sys.modules if name.partition(".")[0] in PACKAGES]:
            del sys.modules[name]


class OpportunisticBMDLogic(ScriptedLoadableModuleLogic):
    """Slicer finds the module's parameters here; the panel's logic is OpportunisticBMDPanel.logic."""


class OpportunisticBMDTest(ScriptedLoadableModuleTest):
    """Inside the application: from a virtual patient to a number, an edit, and the number that follows."""

    def setUp(self) -> None:
        from OpportunisticBMDPanel.slicer.packages import RequiredPackages

        slicer.mrmlScene.Clear()
        missing = RequiredPackages(HERE / "Resources" / "requirements.txt").missing()
        if missing:
            names = ", ".join(missing)
            self.skipTest(_("Not tested: install {names} first; Compute BMD offers it.").format(names=names))

    def runTest(self) -> None:
        """What "Reload and Test" calls, which takes a skipped test for a failure."""
        try:
            ScriptedLoadableModuleTest.runTest(self)
        except unittest.SkipTest as reason:
            self.delayDisplay(str(reason))

    def test_virtual_patient(self) -> None:
        from OpportunisticBMDLib.scene.segmentation import segment_of_vertebra
        from OpportunisticBMDPanel.logic import PanelLogic
        from OpportunisticBMDPanel.session import State
        from OpportunisticBMDPanel.settings.settings import Settings
        from OpportunisticBMDPanel.slicer.nodes import Nodes

        self.delayDisplay(_("Making a virtual patient"))
        volume = virtual_patient()
        logic = PanelLogic(Nodes(slicer.mrmlScene), Settings())
        try:
            session: Any = logic.session(volume)
            logic.compute(session)
            self.wait_for(logic)
            self.assertIs(session.state, State.RESULT if session.result.status != "refused" else State.REFUSED)
            self.assertIsNotNone(session.result.bmd_mg_cm3, session.result.reasons)
            self.delayDisplay(_("Measured: {bmd:.1f} mg/cm³").format(bmd=session.result.bmd_mg_cm3))

            before = session.result.vertebrae["T12"].mask.volume_mm3
            segmentation = session.segmentation_node.GetSegmentation()
            segmentation.ClearSegment(segment_of_vertebra(session.segmentation_node, "L2"))
            logic.tick()
            self.assertIs(session.state, State.STALE)
            self.wait_for(logic)
            self.assertEqual(session.result.vertebrae_used, ("T12", "L1"))
            self.assertEqual(session.result.vertebrae["T12"].mask.volume_mm3, before)
        finally:
            logic.close()
        self.delayDisplay(_("Test passed"))

    def wait_for(self, logic: Any, seconds: float = 300.0) -> None:
        """Until the logic has nothing more to do."""
        import time

        end = time.monotonic() + seconds
        while logic.tick():
            self.assertLess(time.monotonic(), end, "the worker did not answer")
            slicer.app.processEvents()
            time.sleep(0.02)
