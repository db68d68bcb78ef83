// Writes the files beside it, as ROOT 6.40 did: root -l -b -q make.cxx
// Four jets, of 1 to 4 tracks: track_pt is 10 * jet + track, fj_pt 300 + jet, and label_H_bb jet % 2.

#include <ROOT/RNTupleImporter.hxx>
#include <ROOT/RNTupleModel.hxx>
#include <ROOT/RNTupleWriter.hxx>
#include <TClonesArray.h>
#include <TFile.h>
#include <TNtuple.h>
#include <TNtupleD.h>
#include <TTree.h>
#include <TVector2.h>
#include <unistd.h>

struct Track { float pt; float dz; std::vector<int> hits; };

void tree(const char *name, bool close) {
  auto file = TFile::Open(name, "RECREATE");
  auto tree = new TTree("tree", "jets");
  int ntrack, label; float fj, pt[9], fixed[6]; Float16_t half[9]; Double32_t packed[9], plain[9];
  struct { int n; float x[9]; } hits;
  std::vector<float> etarel; std::vector<std::vector<float>> deep;
  TClonesArray clones("TVector2", 9);
  tree->Branch("ntrack", &ntrack, "ntrack/I");
  tree->Branch("track_pt", pt, "track_pt[ntrack]/F");
  tree->Branch("track_etarel", &etarel);
  tree->Branch("track_fixed", fixed, "track_fixed[6]/F");
  tree->Branch("track_half", half, "track_half[ntrack]/f");
  tree->Branch("track_packed", packed, "track_packed[ntrack]/d[0,10,12]");
  tree->Branch("track_plain", plain, "track_plain[ntrack]/d");
  tree->Branch("track_deep", &deep);
  tree->Branch("track_hits", &hits, "n/I:x[n]/F");
  tree->Branch("track_clones", &clones, 32000, 0);
  tree->Branch("Constituents", &clones);
  tree->Branch("fj_pt", &fj, "fj_pt/F");
  tree->Branch("label_H_bb", &label, "label_H_bb/I");
  for (int jet = 0; jet < 4; ++jet) {
    ntrack = hits.n = jet + 1; fj = 300 + jet; label = jet % 2;
    etarel.clear(); deep.clear(); clones.Clear();
    for (int track = 0; track < ntrack; ++track) {
      pt[track] = 10 * jet + track; half[track] = packed[track] = plain[track] = track;
      hits.x[track] = track; etarel.push_back(track); deep.push_back({1, 2});
      new (clones[track]) TVector2(track, jet);
    }
    for (int track = 0; track < 6; ++track) fixed[track] = track < ntrack ? pt[track] : 0;
    tree->Fill();
  }
  if (close) { file->Write(); file->Close(); }
  else { tree->FlushBaskets(); file->Flush(); }
}

void rntuple(const char *name) {
  auto model = ROOT::RNTupleModel::Create();
  auto pt = model->MakeField<std::vector<float>>("track_pt");
  auto etarel = model->MakeField<ROOT::RVec<double>>("track_etarel");
  auto deep = model->MakeField<std::vector<std::vector<float>>>("track_deep");
  auto fixed = model->MakeField<std::array<float, 6>>("track_fixed");
  auto tracks = model->MakeField<std::vector<Track>>("tracks");
  auto other = model->MakeField<std::vector<Track>>("others");
  auto fj = model->MakeField<float>("fj_pt");
  auto label = model->MakeField<int>("label_H_bb");
  auto writer = ROOT::RNTupleWriter::Recreate(std::move(model), "tree", name);
  for (int jet = 0; jet < 4; ++jet) {
    pt->clear(); etarel->clear(); deep->clear(); tracks->clear(); other->clear();
    for (int track = 0; track <= jet; ++track) {
      pt->push_back(10 * jet + track); etarel->push_back(track); deep->push_back({1, 2});
      tracks->push_back({10.f * jet + track, 0.5f * track, {1, 2}});
      other->push_back({7, 8, {}});
    }
    fixed->fill(1); *fj = 300 + jet; *label = jet % 2;
    writer->Fill();
  }
}

void make() {
  tree("tree.root", true);
  tree("unclosed.root", false);
  rntuple("rntuple.root");
  {
    TFile file("plain.root", "RECREATE");
    TTree tree("tree", "jets");
    int ntrack; float pt[9], fj;
    tree.Branch("ntrack", &ntrack, "ntrack/I");
    tree.Branch("track_pt", pt, "track_pt[ntrack]/F");
    tree.Branch("fj_pt", &fj, "fj_pt/F");
    for (int jet = 0; jet < 4; ++jet) {
      ntrack = jet + 1; fj = 300 + jet;
      for (int track = 0; track < ntrack; ++track) pt[track] = 10 * jet + track;
      tree.Fill();
    }
    file.Write();
  }
  ROOT::Experimental::RNTupleImporter::Create("plain.root", "tree", "imported.root")->Import();
  TFile file("ntuples.root", "RECREATE");
  TNtuple first("first", "numbers", "fj_pt:track_pt");
  TNtupleD second("second", "numbers", "fj_pt:track_pt");
  first.Fill(1, 2);
  second.Fill(1, 2);
  file.Write();
  _exit(0);  // nothing closes unclosed.root
}
