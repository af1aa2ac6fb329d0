"""Components shared by several sections: list screens, dialogs, forms, the export, and builders of styled lines."""
