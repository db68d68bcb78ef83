"""The track features of a jet: what each is called in a plot, its unit, and what it means.

The table holds the 45 track features of HiggsToBBNtuple (CMS Open Data, record 12102). A feature
that is not in it is allowed everywhere: ``feature`` then gives its name and nothing more.
"""

from __future__ import annotations

from dataclasses import dataclass

KINEMATICS = "kinematics"
JET_RELATIVE = "jet-relative"
IMPACT = "impact parameter"
COVARIANCE = "track fit covariance"
QUALITY = "track quality"
ASSOCIATION = "vertex association"
PARTICLE = "particle identity"
SUBSTRUCTURE = "secondary vertices and subjets"
OTHER = "other"

GROUPS = (
    KINEMATICS,
    JET_RELATIVE,
    IMPACT,
    COVARIANCE,
    QUALITY,
    ASSOCIATION,
    PARTICLE,
    SUBSTRUCTURE,
    OTHER,
)


@dataclass(frozen=True)
class Feature:
    """One feature of a track.

    name     the branch of HiggsToBBNtuple
    title    short label for a plot
    unit     "GeV", "cm", "rad", …; "" for a plain number
    group    one of ``GROUPS``
    meaning  one plain sentence, with the clips, shifts and signs that were applied
    source   where the definition comes from
    """

    name: str
    title: str
    unit: str
    group: str
    meaning: str
    source: str

    @property
    def label(self) -> str:
        """Title and unit, as an axis wants them: "p_T [GeV]"."""
        return f"{self.title} [{self.unit}]" if self.unit else self.title


PF = "TrackFiller of HiggsToBBNtuple: the particle-flow candidate"
FIT = "TrackFiller of HiggsToBBNtuple: the candidate's track fit"
TAG = "TrackInfoBuilder of HiggsToBBNtuple: the track as b tagging sees it"

_TABLE = (
    # kinematics
    Feature(
        "track_pt", "p_T", "GeV", KINEMATICS,
        "Transverse momentum of the track; tracks below 0.95 GeV are not in the file.", PF,
    ),
    Feature(
        "trackBTag_Momentum", "|p|", "GeV", KINEMATICS,
        "Momentum of the track, cut off at 1000 GeV.", TAG,
    ),
    Feature(
        "trackBTag_Eta", "η", "", KINEMATICS,
        "Pseudorapidity of the track in the detector, limited to -5 to 5.", TAG,
    ),
    # jet-relative
    Feature(
        "track_ptrel", "p_T / jet p_T", "", JET_RELATIVE,
        "Transverse momentum of the track as a share of the jet's.", PF,
    ),
    Feature(
        "track_erel", "E / jet E", "", JET_RELATIVE,
        "Energy of the track as a share of the jet's.", PF,
    ),
    Feature(
        "track_etarel", "sign(η_jet)·Δη", "", JET_RELATIVE,
        "Pseudorapidity of the track minus the jet's, times the sign of the jet's pseudorapidity: "
        "positive means further from the plane across the beam than the jet axis.", PF,
    ),
    Feature(
        "track_phirel", "Δφ", "rad", JET_RELATIVE,
        "Azimuth of the track minus the jet's, wrapped to -π to π.", PF,
    ),
    Feature(
        "track_deltaR", "ΔR to the jet axis", "", JET_RELATIVE,
        "Distance √(Δη² + Δφ²) of the track from the jet axis.", PF,
    ),
    Feature(
        "trackBTag_DeltaR", "ΔR to the jet axis (b tag)", "", JET_RELATIVE,
        "Distance √(Δη² + Δφ²) of the fitted track from the jet axis, cut off at 5; nearly always "
        "equal to track_deltaR.", TAG,
    ),
    Feature(
        "trackBTag_EtaRel", "η relative to the jet axis", "", JET_RELATIVE,
        "Rapidity of the track along the jet axis, with the mass of a charged pion, limited to "
        "-5 to 15: large means closely along the axis.", TAG,
    ),
    Feature(
        "trackBTag_PtRel", "p across the jet axis", "GeV", JET_RELATIVE,
        "Momentum of the track across the jet axis, cut off at 4 GeV, where the larger ones "
        "pile up.", TAG,
    ),
    Feature(
        "trackBTag_PPar", "p along the jet axis", "GeV", JET_RELATIVE,
        "Momentum of the track along the jet axis.", TAG,
    ),
    Feature(
        "trackBTag_PtRatio", "p across the axis / |p|", "", JET_RELATIVE,
        "Share of the track's momentum that is across the jet axis, 0 to 1.", TAG,
    ),
    Feature(
        "trackBTag_PParRatio", "p along the axis / |p|", "", JET_RELATIVE,
        "Share of the track's momentum that is along the jet axis, -1 to 1; 1 means exactly "
        "along it.", TAG,
    ),
    # impact parameter
    Feature(
        "track_dxy", "d_xy", "cm", IMPACT,
        "Smallest distance of the track from the primary vertex across the beam, with the sign of "
        "the helix and not of the jet.", PF,
    ),
    Feature(
        "track_dxysig", "d_xy sig.", "", IMPACT,
        "Impact parameter d_xy divided by its uncertainty, limited to -2000 to 2000.", PF,
    ),
    Feature(
        "track_dz", "d_z", "cm", IMPACT,
        "Distance of the track from the primary vertex along the beam, where it comes closest "
        "across the beam; positive towards +z.", PF,
    ),
    Feature(
        "track_dzsig", "d_z sig.", "", IMPACT,
        "Distance d_z divided by its uncertainty, limited to -2000 to 2000; 0 where the "
        "uncertainty was not stored.", PF,
    ),
    Feature(
        "trackBTag_Sip2dVal", "Sip2D", "cm", IMPACT,
        "Impact parameter across the beam, positive if the track passes the primary vertex on the "
        "jet's side; everything below -1 is stored as -1.", TAG,
    ),
    Feature(
        "trackBTag_Sip2dSig", "Sip2D sig.", "", IMPACT,
        "Impact parameter across the beam divided by its uncertainty, positive on the jet's side; "
        "everything below -1 is stored as -1, and the tracks of a jet stand in falling order of "
        "it.", TAG,
    ),
    Feature(
        "trackBTag_Sip3dVal", "Sip3D", "cm", IMPACT,
        "Impact parameter in space, positive if the track passes the primary vertex on the jet's "
        "side; everything below -1 is stored as -1.", TAG,
    ),
    Feature(
        "trackBTag_Sip3dSig", "Sip3D sig.", "", IMPACT,
        "Impact parameter in space divided by its uncertainty, positive on the jet's side; "
        "everything below -1 is stored as -1.", TAG,
    ),
    Feature(
        "trackBTag_JetDistVal", "distance to the jet axis", "cm", IMPACT,
        "Minus the smallest distance between the track and the jet axis through the primary "
        "vertex; never positive in practice, and cut off at -20 cm.", TAG,
    ),
    # track fit covariance
    Feature(
        "track_dptdpt", "var(q/p)", "GeV⁻²", COVARIANCE,
        "Variance of charge over momentum from the track fit; in spite of its name not the "
        "variance of p_T.", FIT,
    ),
    Feature(
        "track_detadeta", "var(λ)", "rad²", COVARIANCE,
        "Variance of the dip angle λ from the track fit, stored in 8 bits on a logarithmic scale.",
        FIT,
    ),
    Feature(
        "track_dphidphi", "var(φ)", "rad²", COVARIANCE,
        "Variance of the azimuth from the track fit.", FIT,
    ),
    Feature(
        "track_dxydxy", "var(d_xy)", "cm²", COVARIANCE,
        "Variance of the impact parameter across the beam from the track fit.", FIT,
    ),
    Feature(
        "track_dzdz", "var(d_sz)", "cm²", COVARIANCE,
        "Variance of the longitudinal impact parameter from the track fit; above about 6.5 cm² it "
        "did not fit the storage and reads 0.", FIT,
    ),
    Feature(
        "track_dxydz", "cov(d_xy, d_sz)", "cm²", COVARIANCE,
        "Covariance of the impact parameters across and along the beam from the track fit.", FIT,
    ),
    Feature(
        "track_dphidxy", "cov(φ, d_xy)", "rad·cm", COVARIANCE,
        "Covariance of the azimuth and the impact parameter across the beam from the track fit, "
        "nearly always negative, stored in 8 bits on a logarithmic scale.", FIT,
    ),
    Feature(
        "track_dlambdadz", "cov(λ, d_sz)", "rad·cm", COVARIANCE,
        "Covariance of the dip angle and the longitudinal impact parameter from the track fit, "
        "nearly always negative, stored in 8 bits on a logarithmic scale.", FIT,
    ),
    # track quality
    Feature(
        "track_normchi2", "χ²/ndf", "", QUALITY,
        "Badness of the track fit, χ² per degree of freedom, cut down to a whole number.", FIT,
    ),
    Feature(
        "track_quality", "quality bits", "", QUALITY,
        "Quality of the track as a bit mask, not a scale: 5 = loose and high-purity, 1 = loose "
        "only.", FIT,
    ),
    Feature(
        "track_lostInnerHits", "lost inner hits", "", QUALITY,
        "Hits missing before the track's first: -1 = it has a hit in the innermost pixel layer, "
        "0 = none was expected, 1 = one lost, 2 = two or more lost.", PF,
    ),
    # vertex association
    Feature(
        "track_VTX_ass", "vertex association", "", ASSOCIATION,
        "How well the track belongs to its vertex: 7 = used in its fit, tight; 6 = used, loose; "
        "5 = close in z; 4 = b-tag track; 1 = only nearest in z; 0 = to no reconstructed primary "
        "vertex.", PF,
    ),
    Feature(
        "track_fromPV", "from the primary vertex", "", ASSOCIATION,
        "What ties the track to the primary vertex: 3 = used in its fit, 2 = it is the nearest, "
        "1 = another vertex is nearer; tracks used in another's fit (0) are not in the file.", PF,
    ),
    Feature(
        "track_puppiw", "PUPPI weight", "", ASSOCIATION,
        "Probability-like weight that the track is not from another collision of the same bunch "
        "crossing, 0 or 1 for nearly all.", PF,
    ),
    # particle identity
    Feature(
        "track_charge", "charge", "e", PARTICLE,
        "Electric charge of the track, -1 or 1.", PF,
    ),
    Feature(
        "track_mass", "mass", "GeV", PARTICLE,
        "Mass of the particle that the track was taken for; that of a charged pion for nearly all.",
        PF,
    ),
    Feature(
        "track_isChargedHad", "is a charged hadron", "", PARTICLE,
        "Is 1 if the track was taken for a charged hadron, else 0.", PF,
    ),
    Feature(
        "track_isEl", "is an electron", "", PARTICLE,
        "Is 1 if the track was taken for an electron, else 0.", PF,
    ),
    Feature(
        "track_isMu", "is a muon", "", PARTICLE,
        "Is 1 if the track was taken for a muon, else 0.", PF,
    ),
    # secondary vertices and subjets
    Feature(
        "track_drminsv", "ΔR to the nearest SV − 0.8", "", SUBSTRUCTURE,
        "Distance ΔR of the track from the nearest secondary vertex, cut off at 0.8 and shifted by "
        "-0.8: 0 means none within 0.8, -0.8 means on top of one.", PF,
    ),
    Feature(
        "track_drsubjet1", "ΔR to subjet 1", "", SUBSTRUCTURE,
        "Distance ΔR of the track from the leading soft-drop subjet; -1 if there is none.", PF,
    ),
    Feature(
        "track_drsubjet2", "ΔR to subjet 2", "", SUBSTRUCTURE,
        "Distance ΔR of the track from the second soft-drop subjet; -1 if there is none.", PF,
    ),
)  # fmt: skip

FEATURES: dict[str, Feature] = {known.name: known for known in _TABLE}


def feature(name: str) -> Feature:
    """What is known of the feature ``name``; for an unknown one its name as title and no unit."""
    return FEATURES.get(name) or Feature(
        name=name,
        title=name,
        unit="",
        group=OTHER,
        meaning="A column of the file that is not in the table of known features.",
        source="the file itself",
    )
